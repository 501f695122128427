"""The agent that is not there: what people say to an assistant that no agent is configured for.

It competes with the configured agents, so that small talk has somewhere nearer to go. That matters
most on a listener with two or three agents, where the best of few always leads. Its requests are
our own, of general kinds; nothing in them comes from the data that the router is scored on.
"""

from dataplane.intent.units import AgentTexts

NOBODY = AgentTexts(
    agent="nobody",
    name="nobody",
    head="small talk: greetings, thanks, jokes and questions about the assistant itself",
    whole=(
        "Small talk and everything that is nobody's task: greetings and goodbyes, thanks,"
        " compliments and insults, jokes, stories and trivia, questions about the assistant's"
        " name, feelings, opinions and abilities, and tests whether anybody is there."
    ),
    units=(
        "hi, how are you?",
        "good morning",
        "nice to meet you",
        "what is your name?",
        "are you a real person or a computer?",
        "what do you think about that?",
        "how do you feel today?",
        "who made you?",
        "what can you do for me?",
        "do you have a favourite colour?",
        "tell me a joke",
        "tell me something interesting",
        "sing me a song",
        "what is the meaning of life?",
        "thank you very much",
        "goodbye, see you later",
        "you are great",
        "you are useless",
        "I am bored",
        "are you there?",
        "this is a test",
        "never mind",
        "what did you just say?",
        "please speak more slowly",
        "who won the game last night?",
        "how tall is that mountain?",
        "who wrote this book?",
        "what does this word mean?",
        "why is the sky blue?",
        "flip a coin",
    ),
    examples=(),
)
