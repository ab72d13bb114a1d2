"""The parts that the counter's screens are made of."""
