-- Observe and write nothing. A manifest that says nothing of suspend lets this stand; one that does wins at the next sync.
obj.spec.suspend = true
return obj
