"""What cron and logrotate do on a host: nothing may fill a volume or the memory behind /tmp."""
