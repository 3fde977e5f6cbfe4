"""The pure core: what is true of an auction. No I/O, no clock, no chance but what it is handed."""
