-- A status that no version of the functions has written: a row that had it could be read by nobody, and would take down
-- every list that holds it. Rows of before are not looked at.
alter table orders drop constraint orders_status_check, add constraint orders_status_check check (status in (
    'charging', 'deferred', 'action_required', 'paid', 'failed', 'cancelling', 'cancelled', 'refund_pending', 'refunded'
)) not valid;
