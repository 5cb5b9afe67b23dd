"""Laws with unknown coefficients, and their weak form: what identification and networks share."""
