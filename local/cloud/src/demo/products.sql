-- 10,000 products, times :scale, with stock. 25 adjectives × 20 materials × 40 things make 20,000 names; 7919 is prime,
-- so that the first 20,000 steps of that stride never name a product twice; a larger shop has its names several times.
-- Where it stands among those that sell is another stride, so that it has nothing to do with the name.
insert into products (id, name, description, price, currency, featured, created_at, updated_at, popularity)
select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       initcap(adjective || ' ' || material || ' ') || thing,
       format('%s %s %s %s, %s. %s %s',
              (array['A', 'Our', 'The', 'This'])[n % 4 + 1],
              adjective, lower(thing),
              (array['made of', 'built from', 'finished in', 'with a heart of'])[n / 4 % 4 + 1] || ' ' || material,
              (array['for every day', 'for long weekends', 'for small kitchens', 'for a lifetime of use', 'for two hands',
                     'for early mornings', 'for workshops and studios', 'for a quiet evening', 'for the road',
                     'as a present'])[n / 3 % 10 + 1],
              (array['Made by hand in small batches.', 'Designed with people who use it every day.',
                     'Each piece is checked before it leaves the mill.', 'Ships flat, needs no tools.',
                     'Repairable, with spare parts for ten years.', 'Packed without plastic.'])[n / 7 % 6 + 1],
              (array['Wipe clean with a damp cloth.', 'Safe in the dishwasher.', 'Oil once a year.',
                     'Keep away from frost.', 'Gets better with age.'])[n / 11 % 5 + 1]),
       ((n * 37) % 240 + 4) * 100 - (array[1, 5, 10, 50])[n % 4 + 1],
       'usd',
       n % 416 = 0,
       now() - interval '1 year' + n * interval '40 minutes' / :scale,
       now() - interval '30 days' + n * interval '4 minutes' / :scale,
       case when place < 32768 then 31 - length(ltrim(place::integer::bit(32)::text, '0')) else 0 end
from generate_series(1::bigint, 10000 * :scale) as n
cross join lateral (
    select (n * 7919) % 20000 as pick, (n * 3571) % (10000 * :scale) + 1 as place
) as picked
cross join lateral (
    select (array['amber', 'plain', 'folding', 'sturdy', 'light', 'round', 'tall', 'quiet', 'travel', 'classic', 'nordic',
                  'rustic', 'slim', 'stackable', 'woven', 'polished', 'reversible', 'compact', 'everyday', 'garden',
                  'insulated', 'adjustable', 'hanging', 'double', 'vintage'])[pick % 25 + 1] as adjective,
           (array['oak', 'walnut', 'beech', 'bamboo', 'cork', 'linen', 'cotton', 'wool', 'leather', 'canvas', 'steel',
                  'copper', 'brass', 'iron', 'enamel', 'glass', 'porcelain', 'stoneware', 'marble',
                  'slate'])[pick / 25 % 20 + 1] as material,
           (array['Chair', 'Table', 'Lamp', 'Shelf', 'Bowl', 'Mug', 'Teapot', 'Kettle', 'Vase', 'Tray', 'Basket', 'Blanket',
                  'Cushion', 'Apron', 'Backpack', 'Wallet', 'Notebook', 'Pen Case', 'Clock', 'Mirror', 'Stool', 'Bench',
                  'Coat Rack', 'Bread Box', 'Knife Block', 'Cutting Board', 'Pepper Mill', 'Coffee Grinder', 'Jug',
                  'Candle Holder', 'Planter', 'Watering Can', 'Door Stop', 'Toolbox', 'Lantern', 'Water Bottle', 'Lunch Box',
                  'Bookend', 'Picture Frame', 'Umbrella Stand'])[pick / 500 + 1] as thing
) as words;

insert into inventory (product_id, available)
select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 100 + (n * 61) % 900
from generate_series(1, 10000 * :scale) as n;

-- As the schedule would have counted them.
insert into product_sales (product_id, sold)
select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1000000.0 / place
from generate_series(1::bigint, 10000 * :scale) as n
cross join lateral (select (n * 3571) % (10000 * :scale) + 1 as place) as placed
where place < 32768;
