-- Names in the order of their characters' numbers, which every server has: the one that a database was made with
-- differs from one to the next, and changes with a library of the machine. products_by_name stays for functions of
-- before, which list by it while this runs, and after a rollback; a later step drops it.
create index products_by_name_everywhere on products (name collate "C", id) where archived_at is null;
