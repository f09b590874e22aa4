-- What is kept under a key may be anybody's: another version's, an operator's slip. A number is what these scripts
-- write as one, and nil otherwise: `tonumber` would take nan, inf and 0x1 as well.
local function whole(text)
  return text and #text <= 16 and string.match(text, '^%d+$') and tonumber(text) or nil
end

