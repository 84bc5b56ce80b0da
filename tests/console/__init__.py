"""A package, so that its browser ends with it: Playwright keeps a loop running in the thread of the tests, where
`asyncio.run` of others would then fail.
"""
