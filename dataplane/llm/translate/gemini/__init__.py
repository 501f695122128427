"""Google's generateContent, in AI Studio's form and in Vertex's."""
