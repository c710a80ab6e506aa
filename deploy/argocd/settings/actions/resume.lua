-- Let the operator write again. Where the manifest says suspend: true, change it there: the next sync brings it back.
obj.spec.suspend = nil
if type(obj.metadata.annotations) == 'table' then
  obj.metadata.annotations['ai.zstack.io/suspend-until'] = nil
  obj.metadata.annotations['ai.zstack.io/suspend-reason'] = nil
end
return obj
