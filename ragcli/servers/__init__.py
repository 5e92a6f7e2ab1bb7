"""What servers that are asked over HTTP have in common, and encoders that run on one."""
