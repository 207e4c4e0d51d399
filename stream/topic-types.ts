/** Row types by topic name, as given to `topic(name)`. Empty here; the kernel's type server adds the topics it knows. */
export interface TopicTypes {}
