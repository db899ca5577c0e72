"""What `lepta` does on the command line: one module a group of commands, imported when it runs."""
