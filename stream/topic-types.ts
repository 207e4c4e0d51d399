/** Row types by topic name, as given to `topic(name)`, and of schema files as `schema FILE`. Empty here; the kernel's type server adds the topics it knows. */
export interface TopicTypes {}
