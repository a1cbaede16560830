-- A network that OSS Directory names and seeds/networks.csv does not: add it there, so that any_evm can stand for it.
-- It does not block: the network is taken as it is.
AUDIT (name networks_known, blocking false);

SELECT network, COUNT(*) AS claims
FROM @this_model
WHERE network IS NOT NULL AND NOT network_known
GROUP BY network
