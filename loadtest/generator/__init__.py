"""The processes of an open loop: one Python makes some thousand calls a second, so fast runs take several."""
