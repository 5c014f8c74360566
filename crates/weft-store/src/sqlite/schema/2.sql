-- Version 2. Events say where they come from and whether moves may rest on them. Of those of version 1 only campaigns that
-- came in through the API had to show the token; of the others it is not known who wrote them.
UPDATE events SET body = json_object(
  'event', json(body), 'source', source,
  'provenance', json_object('title', id, 'place', id, 'link', NULL, 'rule', NULL),
  'is_trusted', json(CASE source WHEN 'api' THEN 'true' ELSE 'false' END)
);

-- How the readings of each source went.
CREATE TABLE sources (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
