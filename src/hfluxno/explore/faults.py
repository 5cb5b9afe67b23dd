"""What went wrong, in one sentence: the same as on the command line, if the input is at fault."""


def sentence(error: BaseException) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ValueError | OSError | MemoryError):
        return said
    return (
        f"hfluxno itself is at fault ({type(error).__name__}: {said}); nothing is lost: change "
        "something and run again, and report it with the output of `hfluxno doctor`."
    )
