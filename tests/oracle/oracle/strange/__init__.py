"""Strange actions, to try the product and the oracle on."""
