"""The Voice SDK side: sockets, tokens, devices and their call legs. Protocol version 1.6 (voice-sdk 2.18.5)."""
