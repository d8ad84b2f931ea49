"""What an attack ascends in place of the losses of training."""
