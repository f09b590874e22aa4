-- The intent of a charge, by the charge's id: $1. No row if it is of no order's.
select intent_id from payments where charge_id = $1 and intent_id is not null limit 1
