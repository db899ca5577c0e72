"""Operations: health, metrics, documentation and the pages of refusals."""
