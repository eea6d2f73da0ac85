"""The steps of `maas-init run`, one module each."""
