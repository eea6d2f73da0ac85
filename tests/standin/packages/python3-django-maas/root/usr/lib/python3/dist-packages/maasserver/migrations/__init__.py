"""One package of migrations for each application that MAAS migrates itself."""
