"""Labels of other tools brought into the ledger, and Sightline's own written for them."""
