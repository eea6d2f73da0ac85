"""The process that runs MAAS's workflows; here it only keeps its connections."""
