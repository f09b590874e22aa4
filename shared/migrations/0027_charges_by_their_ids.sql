-- The provider's news of a dispute or of fraud may name a charge and no payment.
create index payments_charge on payments (charge_id);
