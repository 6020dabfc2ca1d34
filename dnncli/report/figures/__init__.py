"""Records as pictures, by matplotlib."""
