-- Look whether a lease is still its holder's, and keep it so till the transaction ends.
SELECT role FROM leases WHERE role = :role AND holder = :holder AND generation = :generation FOR SHARE
