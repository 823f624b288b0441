"""What an attacker tries; each file holds claims of THREATS.md by the attacks that they survive."""
