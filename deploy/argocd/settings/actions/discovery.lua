-- Which actions make sense for this ModelService now.
local function tableOf(value)
  if type(value) == 'table' then
    return value
  end
  return {}
end

local suspended = tableOf(obj.spec).suspend == true
local timed = tableOf(tableOf(obj.metadata).annotations)['ai.zstack.io/suspend-until'] ~= nil
local deleting = tableOf(obj.metadata).deletionTimestamp ~= nil

return {
  ['reconcile-now'] = {
    displayName = 'Reconcile now',
    iconClass = 'fa fa-fw fa-redo',
    disabled = deleting,
  },
  ['suspend'] = {
    displayName = 'Suspend',
    iconClass = 'fa fa-fw fa-pause-circle',
    disabled = deleting or suspended,
  },
  ['resume'] = {
    displayName = 'Resume',
    iconClass = 'fa fa-fw fa-play-circle',
    disabled = deleting or not (suspended or timed),
  },
}
