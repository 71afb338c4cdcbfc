"""What the columns of any table hold."""
