-- How similar a name must be to what was typed before search offers it instead of nothing. The default of 0.6 forgives no
-- typing error in a short word: two swapped letters leave `chiar` a third of the trigrams of `chair`.
--
-- On the role, like the time limits: a SET would pin RDS Proxy and leak to other clients.

-- Loads the extension's library, which makes its settings known: only a superuser may set one that is not.
select show_limit();

alter role millrace_app set pg_trgm.word_similarity_threshold = 0.3;
