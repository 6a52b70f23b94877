"""What a delivery, a connection and a return cost the hub, beside a floor in C and its peers."""
