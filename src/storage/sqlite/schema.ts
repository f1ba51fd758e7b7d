/** "BANT": tells our file from any other SQLite database. */
export const applicationId = 0x42414e54

/**
 * Step n brings a database from version n to n + 1 and is never changed once it is out; `PRAGMA user_version`
 * counts the steps taken.
 *
 * A queue entry is small and its message lies apart: entries of a thousand sessions then touch a few pages only,
 * messages are appended, and counting a queue reads no message. A message has one entry, or a row in `shared` that
 * counts them; the trigger takes it away with the last.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    closed_cleanly INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    subscriptions INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    retained INTEGER NOT NULL
  ) STRICT;
  INSERT INTO head VALUES (1, 0, 0, 0, 0, 0, 0);

  CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    client_id TEXT NOT NULL UNIQUE,
    username TEXT,
    created_at_ms INTEGER NOT NULL,
    expiry_interval_seconds INTEGER NOT NULL,
    disconnected_at_ms INTEGER,
    will BLOB,
    will_delay_seconds INTEGER NOT NULL,
    will_expiry_seconds INTEGER NOT NULL,
    sent_up_to INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE subscription (
    session INTEGER NOT NULL,
    filter TEXT NOT NULL,
    qos INTEGER NOT NULL,
    no_local INTEGER NOT NULL,
    retain_as_published INTEGER NOT NULL,
    retain_handling INTEGER NOT NULL,
    subscription_identifier INTEGER NOT NULL,
    PRIMARY KEY (session, filter)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE awaiting_release (
    session INTEGER NOT NULL,
    packet_id INTEGER NOT NULL,
    PRIMARY KEY (session, packet_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
  ) STRICT;

  CREATE TABLE shared (
    message INTEGER PRIMARY KEY,
    holders INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE queue (
    session INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    qos INTEGER NOT NULL,
    retain INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    released INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    subscription_identifiers BLOB,
    message INTEGER NOT NULL,
    PRIMARY KEY (session, sequence)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER last_holder AFTER DELETE ON queue BEGIN
    DELETE FROM message WHERE id = old.message AND NOT EXISTS (SELECT 1 FROM shared WHERE message = old.message);
    UPDATE shared SET holders = holders - 1 WHERE message = old.message;
    DELETE FROM shared WHERE message = old.message AND holders = 1;
  END;

  CREATE TABLE retained (
    topic TEXT PRIMARY KEY,
    message BLOB NOT NULL
  ) STRICT;

  CREATE TABLE probe (
    id INTEGER PRIMARY KEY,
    filler BLOB NOT NULL
  ) STRICT;

  CREATE TABLE user (
    name TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // A commit is one row: what was told, as it was packed. Most of it is undone soon; the rest is folded into the tables
  // above, and what is folded is deleted. `folded_bytes` of the first row are folded already.
  `
  CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    checksum INTEGER NOT NULL,
    packed BLOB NOT NULL
  ) STRICT;

  ALTER TABLE head ADD COLUMN folded_bytes INTEGER NOT NULL DEFAULT 0;
  `,
  // No number is given twice: whoever removes a rule by its number must not meet another one there.
  `
  CREATE TABLE access_rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    line TEXT NOT NULL UNIQUE
  ) STRICT;
  `,
  // A user may have no password, and is more than a name: what else there is to say of it stands in `profile`, in JSON.
  `
  CREATE TABLE account (
    name TEXT PRIMARY KEY,
    password_hash TEXT,
    password_set_at_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    profile TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO account SELECT name, password_hash, created_at_ms, created_at_ms, '{}' FROM user;
  DROP TABLE user;
  ALTER TABLE account RENAME TO user;

  -- Who has changed of late, by whichever process, so that the broker need not look at all who are connected.
  CREATE TABLE user_change (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER user_added AFTER INSERT ON user BEGIN
    INSERT INTO user_change (name) VALUES (new.name);
  END;
  CREATE TRIGGER user_changed AFTER UPDATE ON user BEGIN
    INSERT INTO user_change (name) VALUES (new.name);
  END;
  CREATE TRIGGER user_removed AFTER DELETE ON user BEGIN
    INSERT INTO user_change (name) VALUES (old.name);
  END;
  CREATE TRIGGER user_change_is_old AFTER INSERT ON user_change BEGIN
    DELETE FROM user_change WHERE id <= new.id - 10000;
  END;

  CREATE TABLE user_group (
    name TEXT PRIMARY KEY,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE ban (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    until_ms INTEGER,
    why TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    UNIQUE (kind, value)
  ) STRICT;

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    facts TEXT NOT NULL
  ) STRICT;
  `,
  // Who lost how many messages in an hour since 1970, and why.
  `
  CREATE TABLE dropped (
    hour INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    why TEXT NOT NULL,
    prefix TEXT NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    change INTEGER NOT NULL,
    PRIMARY KEY (hour, client_id, why, prefix)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX dropped_by_change ON dropped (change);
  `,
  // What the clock of the last run said, and the wall at the same moment. And how many QoS 2 identifiers were kept.
  `
  CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    now_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL
  ) STRICT;
  ALTER TABLE head ADD COLUMN identifiers INTEGER NOT NULL DEFAULT 0;
  UPDATE head SET identifiers = (SELECT count(*) FROM awaiting_release);
  `,
]
