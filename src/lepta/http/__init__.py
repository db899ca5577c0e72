"""What every channel shares: refusals as problem documents, who may do what, bodies, logs and metrics of requests."""
