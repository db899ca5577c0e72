"""`lepta bench`: the service measured against others on the same machine, in the same run.

What always holds: ours and its anchor run in turn on one PostgreSQL with the same durable settings; every sale
sent is a distinct one; a figure is printed only if every request behind it was answered 201. Entry point:
`run.run`.
"""
