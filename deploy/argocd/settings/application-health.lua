-- Argo CD has no health of Applications of its own since 1.8. Without it, a wave of Applications waits for nothing.
local health = { status = 'Progressing', message = '' }
if type(obj.status) == 'table' and type(obj.status.health) == 'table' then
  if type(obj.status.health.status) == 'string' then
    health.status = obj.status.health.status
  end
  if type(obj.status.health.message) == 'string' then
    health.message = obj.status.health.message
  end
end
return health
