"""The synthetic sample county: a made-up town placed in Xin County, grown from a seed."""
