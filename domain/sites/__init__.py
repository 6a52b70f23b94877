"""Places: each site has a name and a time zone; everything else happens at one."""
