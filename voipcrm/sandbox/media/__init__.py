"""Audio of the sandbox: 20 ms frames of 160 int16 samples at 8 kHz, mono, moved by one clock."""
