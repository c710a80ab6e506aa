-- Health of a ModelService. Nothing is trusted: an error in here would make the object's health Unknown and hide it from
-- the health of its Application. Argo CD opens no string and no maths library for this.

local function tableOf(value)
  if type(value) == 'table' then
    return value
  end
  return {}
end

local function textOf(value)
  if type(value) == 'string' then
    return value
  end
  return ''
end

local metadata = tableOf(obj.metadata)
local status = tableOf(obj.status)

local function conditionOf(name)
  for _, condition in ipairs(tableOf(status.conditions)) do
    if type(condition) == 'table' and condition.type == name then
      return condition
    end
  end
  return {}
end

local function isTrue(name)
  return conditionOf(name).status == 'True'
end

-- What was said of an older generation says nothing of the spec that was just synced.
local function isCurrent(judged)
  return judged.observedGeneration ~= nil and judged.observedGeneration == metadata.generation
end

if metadata.deletionTimestamp ~= nil then
  return { status = 'Progressing', message = 'being deleted; ZStack is left as it is' }
end

local ready = conditionOf('Ready')
if not isCurrent(status) or not isCurrent(ready) then
  return { status = 'Progressing', message = 'the operator has not judged this generation yet' }
end

local message = textOf(ready.message)
if isTrue('Suspended') then
  -- Where nothing waits for the suspension to end, the message of Ready says nothing of it.
  if ready.reason ~= 'Suspended' then
    message = 'suspended: ' .. message
  end
  return { status = 'Suspended', message = message }
end
if isTrue('Stalled') then
  return { status = 'Degraded', message = message }
end
-- Drift that the policy leaves alone keeps Ready True: the message tells of it, and the Application stays Healthy.
if ready.status == 'True' then
  return { status = 'Healthy', message = message }
end
return { status = 'Progressing', message = message }
