"""What 3.7 has besides Django: here only the schema."""
