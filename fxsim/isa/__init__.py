"""Instructions, codec, assembler and programs of the MAC unit."""
