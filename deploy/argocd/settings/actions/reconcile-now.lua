-- Look now, send write-only fields again, and try again what was given up. Any new token does; a time tells people when.
-- There is no global os in Argo CD: require gives the part of it that is safe.
local os = require('os')
if type(obj.metadata.annotations) ~= 'table' then
  obj.metadata.annotations = {}
end
obj.metadata.annotations['ai.zstack.io/reconcile-requested-at'] = os.date('!%Y-%m-%dT%XZ')
return obj
