"""Rows of raw tables beside those of GitHub and of chains: how projects are used and given to, OP Atlas, packages, contracts."""

USE = """
INSERT INTO oss_directory.projects__defillama (project_name, position, url) VALUES
  ('acme', 0, 'https://defillama.com/protocol/acme-swap');
INSERT INTO oss_directory.projects__open_collective (project_name, position, url) VALUES ('beta', 0, 'https://opencollective.com/beta');
INSERT INTO npm.downloads VALUES ('@acme/kit', DATE '2026-10-31', 40), ('@acme/kit', DATE '2026-11-01', 2),
  ('@acme/kit', DATE '2026-11-02', 0), ('kit', DATE '2026-11-01', 99);
INSERT INTO defillama.tvl_events (time, slug, chain, token, tvl) VALUES
  (TIMESTAMPTZ '2026-11-02 00:00:00Z', 'acme-swap', 'OP Mainnet', 'ETH', 10.5),
  (TIMESTAMPTZ '2026-11-02 00:00:00Z', 'acme-swap', 'OP Mainnet', 'USDC', 1.5),
  (TIMESTAMPTZ '2026-11-04 00:00:00Z', 'acme-swap', 'OP Mainnet', 'ETH', 3),
  (TIMESTAMPTZ '2026-11-03 00:00:00Z', 'other', 'Base', 'ETH', 3),
  (TIMESTAMPTZ '2026-11-04 00:00:00Z', 'other', 'Base', 'ETH', 3);
INSERT INTO defillama.trading_volume (time, slug, chain, amount) VALUES
  (TIMESTAMPTZ '2026-11-02 00:00:00Z', 'acme-swap', 'Base', 7), (TIMESTAMPTZ '2026-11-03 00:00:00Z', 'acme-swap', 'Base', NULL);
INSERT INTO defillama.fees (time, slug, chain, amount) VALUES (TIMESTAMPTZ '2026-11-02 00:00:00Z', 'acme-swap', 'Base', 0.25);
INSERT INTO open_collective.transactions
    (id, type, kind, amount, currency, from_account_slug, from_account_type, to_account_slug, created_at) VALUES
  ('t1', 'CREDIT', 'CONTRIBUTION', 20, 'USD', 'a-person', 'INDIVIDUAL', 'Beta', TIMESTAMPTZ '2026-11-02 10:00:00Z'),
  ('t2', 'CREDIT', 'ADDED_FUNDS', 5.5, 'USD', 'a-firm', 'ORGANIZATION', 'beta', TIMESTAMPTZ '2026-11-03 10:00:00Z'),
  ('t3', 'CREDIT', 'CONTRIBUTION', 9, 'EUR', NULL, NULL, 'beta', TIMESTAMPTZ '2026-11-03 10:00:00Z'),
  ('t4', 'DEBIT', 'EXPENSE', -9, 'USD', 'beta', 'COLLECTIVE', 'x', TIMESTAMPTZ '2026-11-03 10:00:00Z');
INSERT INTO eas_optimism.attestations (id, schema_id, attester, recipient, time) VALUES
  ('0x1', '0xs', '0xAA', '0x00000000000000000000000000000000000000a1', TIMESTAMPTZ '2026-11-02 10:00:00Z'),
  ('0x2', '0xs', '0xAA', '0x0000000000000000000000000000000000000000', TIMESTAMPTZ '2026-11-02 10:00:00Z');
INSERT INTO gitcoin.all_donations
    (donation_id, timestamp, round_id, chain_id, donor_address, recipient_address, amount_in_usd) VALUES
  ('d1', TIMESTAMPTZ '2024-11-02 10:00:00Z', 'r1', '10', '0xDD', '0x00000000000000000000000000000000000000A1', 12.5),
  ('d2', TIMESTAMPTZ '2024-11-03 10:00:00Z', 'r1', '10', '0xDD', '0x00000000000000000000000000000000000000a1', 0),
  ('d3', TIMESTAMPTZ '2024-11-03 10:00:00Z', 'r1', '10', '0xDD', '0x00000000000000000000000000000000000000f1', 3);
INSERT INTO gitcoin.all_matching (matching_id, timestamp, round_id, chain_id, recipient_address, match_amount_in_usd) VALUES
  ('m1', NULL, 'r1', '10', '0x00000000000000000000000000000000000000a1', 100.5);
INSERT INTO giveth.qf_rounds (id, api, slug, begin_date, end_date) VALUES
  ('1', 'legacy', 'one', TIMESTAMPTZ '2024-05-01 00:00:00Z', TIMESTAMPTZ '2024-06-01 00:00:00Z');
INSERT INTO giveth.projects (round_id, project_id, verified, donations, updated_at) VALUES
  ('1', '77', TRUE, 250.25, NULL), ('1', '78', TRUE, 9, TIMESTAMPTZ '2024-06-01 00:00:00Z');
INSERT INTO giveth.projects__addresses VALUES
  ('1', '77', 0, '0x00000000000000000000000000000000000000B2', 8453, 'EVM', TRUE), ('1', '78', 0, 'G…', 1500, 'STELLAR', TRUE);
INSERT INTO deps_dev.packages (system, name, status, source_repository) VALUES
  ('NPM', '@acme/kit', 'found', 'github.com/Beta/Old-Name'), ('CARGO', 'Serde', 'found', 'github.com/serde-rs/serde'),
  ('NPM', 'elsewhere', 'found', 'gitlab.com/a/b'), ('NPM', 'none', 'absent', NULL);
"""
ATLAS = """
INSERT INTO op_atlas.project
    (id, name, description, open_source_observer_slug, defi_llama_slug, website, farcaster, twitter, mirror, deleted_at) VALUES
  ('0xp1', 'Acme on Atlas', 'd', 'acme', ['Acme-Swap'],
    ['https://www.acme.example/', 'nothing'], ['@Acme', NULL], 'https://x.com/Acme', '', NULL),
  ('0xp2', 'Bare', NULL, '', [], NULL, NULL, NULL, NULL, NULL),
  ('0xp3', 'Gone', NULL, NULL, [], ['https://gone.example'], [], 'gone', NULL, TIMESTAMPTZ '2026-11-01 00:00:00Z');
INSERT INTO op_atlas.project_repository (id, type, url, project_id) VALUES
  ('r1', 'github', 'https://github.com/Beta/Old-Name.git', '0xp1'), ('r2', 'github', 'https://github.com/only/atlas/', '0xp1'),
  ('r3', 'github', 'https://gitlab.com/a/b', '0xp2'), ('r4', 'github', 'https://github.com/acme/one', '0xp3');
INSERT INTO op_atlas.project_contract (id, contract_address, chain_id, project_id) VALUES
  ('c1', '0x00000000000000000000000000000000000000B2', 8453, '0xp1'),
  ('c2', '0x00000000000000000000000000000000000000B2', 999999, '0xp1');
INSERT INTO op_atlas.published_contract (id, contract, chain_id, project_id, revoked_at) VALUES
  ('p1', '0x00000000000000000000000000000000000000b2', 8453, '0xp1', NULL),
  ('p2', '0x00000000000000000000000000000000000000c3', 10, '0xp1', TIMESTAMPTZ '2026-11-01 00:00:00Z');
INSERT INTO op_atlas.funding_round (id, name, description) VALUES ('7', 'Retro 7', 'd'), ('8', 'Empty', 'd');
INSERT INTO op_atlas.application (id, round_id, project_id) VALUES ('a1', '7', '0xp1'), ('a2', '7', '0xp2'), ('a3', '7', '0xp3');
INSERT INTO op_atlas.funding_reward (id, round_id, project_id, amount, created_at) VALUES
  ('w1', '7', '0xp1', '1000.5', TIMESTAMPTZ '2026-10-02 10:00:00Z');
"""
DEPENDENCIES_AND_CONTRACTS = """
INSERT INTO github.sbom__packages (repository, position, spdx_id, system, name, version) VALUES
  ('acme/one', 0, 's0', 'github', 'acme/one', 'main'), ('acme/one', 1, 's1', 'npm', '@acme/kit', '1'),
  ('acme/one', 2, 's2', 'npm', '@acme/kit', '2'), ('beta/old-name', 0, 's3', 'cargo', 'Serde', '1');
INSERT INTO oss_directory.projects__npm (project_name, position, url) VALUES ('acme', 0, 'https://www.npmjs.com/package/@acme/kit');
INSERT INTO superchain.deployments VALUES
  ('op', DATE '2026-11-01', TIMESTAMPTZ '2026-11-01 10:00:00Z', '0xt1', '', 'create', '0xF', '0xE', '0xE'),
  ('op', DATE '2026-11-02', TIMESTAMPTZ '2026-11-02 10:00:00Z', '0xt2', '0', 'create2', '0xC', '0xF', '0xB');
INSERT INTO superchain.daily_transactions VALUES
  ('op', DATE '2026-11-03', '0xb', '0xc', 7, 1),
  ('op', DATE '2026-11-04', '0xb', '0xc', 2, 1);
"""
