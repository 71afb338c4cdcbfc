"""Pure engines beside the stack: plain libraries without database, network or clock."""
