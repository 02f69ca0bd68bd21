"""Networks beside their peers: what they predict (quality), and how long a path takes (run)."""
