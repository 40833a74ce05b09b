"""The lab: a client, the box and three web servers in network namespaces, for tools/lab, tools/demo and tests/net."""
