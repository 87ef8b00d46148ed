"""What is known of a call before an array is touched."""
